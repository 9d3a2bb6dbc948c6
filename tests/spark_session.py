"""Does with Spark what standard input says, all in one session, as that takes long to start.

    python spark_session.py JARS

Takes one JSON object on each line, and answers each by a line of JSON, with the key `error` where
Spark refuses. `{"read": FOLDER, "version": 3}` (the version may be missing) gives `rows`, `version`
and `files`; `{"sql": STATEMENT}` gives nothing. Run by a Python that has pyspark; JARS is a folder
with Delta's.
"""

import json
import sys

from spark_read import start


def read(session, folder, version=None):
    reader = session.read.format("delta")
    if version is not None:
        reader = reader.option("versionAsOf", version)
    rows = sorted(reader.load(folder).toJSON().collect())
    java = session.sparkContext._jvm
    log = java.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, folder)
    nothing = java.scala.Option.empty()
    snapshot = log.update(False, nothing, nothing)
    return {"rows": rows, "version": snapshot.version(), "files": snapshot.numOfFiles()}


def answer(session, request):
    # Nothing is remembered from before: files may have been changed behind its back.
    session.sparkContext._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
    session.catalog.clearCache()
    try:
        if "sql" in request:
            session.sql(request["sql"]).collect()
            return {}
        return read(session, request["read"], request.get("version"))
    except Exception as error:
        return {"error": str(error)[:2000]}


def main(jars):
    session = start(jars)
    for line in sys.stdin:
        print(json.dumps(answer(session, json.loads(line))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
