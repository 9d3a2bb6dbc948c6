"""Does with Spark what standard input says, all in one session, as that takes long to start.

    python spark_session.py JARS

Takes one JSON object on each line, and answers each by a line of JSON, with the key `error` where
Spark refuses. `{"read": FOLDER, "version": 3}` (the version may be missing) gives `rows`, whose
maps are lists of entries, and `version`; `{"sql": STATEMENT}` gives nothing. Run by a Python that
has pyspark; JARS is a folder with Delta's.
"""

import json
import sys

from pyspark.sql import functions
from pyspark.sql.types import ArrayType, MapType, StructType
from spark_read import start

# Spark's own leave out what is null, and what is below a millisecond.
AS_JSON = {"ignoreNullFields": "false",
           "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX",
           "timeZone": "UTC", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}


def has_map(kind):
    if isinstance(kind, StructType):
        return any(has_map(field.dataType) for field in kind.fields)
    return isinstance(kind, MapType) or (isinstance(kind, ArrayType) and has_map(kind.elementType))


def in_json(column, kind):
    """The column with maps as lists of their entries: JSON's keys are texts alone."""
    if not has_map(kind):
        return column
    if isinstance(kind, StructType):
        fields = [in_json(column[field.name], field.dataType).alias(field.name)
                  for field in kind.fields]
        return functions.when(column.isNotNull(), functions.struct(*fields))
    if isinstance(kind, ArrayType):
        return functions.transform(column, lambda item: in_json(item, kind.elementType))
    return functions.transform(functions.map_entries(column), lambda entry: functions.struct(
        in_json(entry["key"], kind.keyType).alias("key"),
        in_json(entry["value"], kind.valueType).alias("value")))


def read(session, folder, version=None):
    reader = session.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    table = reader.load(folder)
    columns = [in_json(functions.col("`" + field.name.replace("`", "``") + "`"), field.dataType)
               .alias(field.name) for field in table.schema.fields]
    rows = table.select(functions.to_json(functions.struct(*columns), AS_JSON)).collect()
    java = session.sparkContext._jvm
    log = java.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, folder)
    nothing = java.scala.Option.empty()
    # Rows are JSON already: their numbers stay as they are written.
    rows = ", ".join(row[0] for row in rows)
    return f'{{"rows": [{rows}], "version": {log.update(False, nothing, nothing).version()}}}'


def answer(session, request):
    # Nothing is remembered from before: files may have been changed behind its back.
    session.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    session.catalog.clearCache()
    try:
        if "sql" in request:
            session.sql(request["sql"]).collect()
            return "{}"
        return read(session, request["read"], request.get("version"))
    except Exception as error:
        return json.dumps({"error": str(error)[:2000]})


def main(jars):
    session = start(jars)
    # Versions of real tables are years old.
    session.conf.set("spark.databricks.delta.vacuum."
                     "enforceTimeTravelWithinDeletedFileRetentionDuration", "false")
    for line in sys.stdin:
        print(answer(session, json.loads(line)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
