"""Reads Delta tables with Spark, all in one session, as that takes long to start.

    python spark_read.py JARS FOLDER…

Prints one line of JSON for each folder: its rows, and what Spark's snapshot says of it. Run by a
Python that has pyspark; JARS is a folder with Delta's.
"""

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def start(jars):
    builder = (
        SparkSession.builder.master("local[1]")
        .config("spark.jars", ",".join(str(jar) for jar in sorted(Path(jars).glob("*.jar"))))
        .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
        .config("spark.sql.catalog.spark_catalog",
                "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        .config("spark.databricks.delta.snapshotPartitions", "1")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false"))
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    return session


def describe(session, folder):
    rows = sorted(session.read.format("delta").load(folder).toJSON().collect())
    java = session.sparkContext._jvm
    log = java.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, folder)
    nothing = java.scala.Option.empty()
    snapshot = log.update(False, nothing, nothing)
    return {"rows": rows, "version": snapshot.version(), "files": snapshot.numOfFiles(),
            "bytes": snapshot.sizeInBytes(), "transactions": snapshot.numOfSetTransactions(),
            "protocol": json.loads(snapshot.protocol().json()),
            "metadata": json.loads(snapshot.metadata().json())}


def main(jars, folders):
    session = start(jars)
    for folder in folders:
        print(json.dumps(describe(session, folder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
