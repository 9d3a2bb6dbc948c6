"""What bench/run_commits.py measures. Each case is one call: it makes fresh tables, measures, and
asserts that what is stored is what was answered. It gives commits_per_s, median_s, p95_s, and where
they are known client_cpu_s and server_cpu_s, of one commit."""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import catalogs
import commits_delta_rs
import make_log
import run

sys.path.insert(0, str(run.REPOSITORY / "tests"))
import postgres_server  # noqa: E402

WARM_UP = 20  # commits of each client, at most as many as are measured
LARGE_COMMITS = 5
PAYLOAD = ("payload," * 70)[:560]  # of pgbench's rows: about what a row of dl_add_files has
PGBENCH_THREADS = 2
PGBENCH_HEADS = 100
PGBENCH = """BEGIN;
UPDATE bench.head SET version = version + 1 WHERE id = {row};
INSERT INTO bench.log (head, payload) VALUES ({row}, '{payload}');
COMMIT;
"""


@dataclasses.dataclass(frozen=True)
class Counts:
    seconds: int  # 0: as many commits as below
    commits: int  # of each client

    @property
    def warm_up(self):
        return WARM_UP if self.seconds else min(WARM_UP, self.commits)

    def options(self):
        return (["--seconds", str(self.seconds)] if self.seconds
                else ["--commits", str(self.commits)])


def check(is_so, words):
    if not is_so:
        sys.exit(f"bench: {words}")


def p95(values):
    return sorted(values)[len(values) * 95 // 100]


class Server(postgres_server.PostgresServer):
    """As in production, and what processor time it has taken. `sync_ms` is how much longer its disk
    takes to sync, for whoever commits: it waits so long before each time."""

    def __init__(self, sync_ms=0):
        super().__init__(fsync=True)
        if sync_ms:
            self.ask("ALTER SYSTEM SET commit_siblings = 0")
            self.ask(f"ALTER SYSTEM SET commit_delay = {round(sync_ms * 1000)}")
            self.ask("SELECT pg_reload_conf()")

    def ask(self, text):
        return self.sql(postgres_server.DATABASE, text).strip()

    def cpu_s(self):
        """Of the postmaster and its children, those that have ended too."""
        children = subprocess.run(["pgrep", "-P", str(self.server.pid)], capture_output=True,
                                  text=True, check=False).stdout.split()
        ticks = 0
        for pid in [str(self.server.pid), *children]:
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1]
                user, system, of_ended_user, of_ended_system = map(int, fields.split()[11:15])
                ticks += user + system
                if pid == str(self.server.pid):
                    ticks += of_ended_user + of_ended_system
        return ticks / os.sysconf("SC_CLK_TCK")

    def words(self):
        """For libpq."""
        return (f"host={self.host} port={self.port} user={postgres_server.USER} "
                f"dbname={postgres_server.DATABASE}")


class Bench:
    """The programs, a PostgreSQL server, and a folder in which the cases make their tables."""

    def __init__(self, build, folder, counts, ducklake, sync_ms=0):
        self.build, self.folder, self.counts, self.ducklake = build, folder, counts, ducklake
        self.server = Server(sync_ms)
        self.made = 0

    def close(self):
        self.server.close()

    def clear(self):
        """Before a round: what the last one left."""
        for schema in ("catalog", "large", "empty", "bench"):
            self.server.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        self.server.ask("CREATE SCHEMA bench")
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def new_path(self, ending=""):
        self.made += 1
        return self.folder / f"made{self.made}{ending}"

    def make_table(self, uri):
        """An empty one, partitioned as those of bench/make_log.py."""
        source = self.new_path()
        make_log.make_log(source, 0, 0)
        subprocess.run([self.build / "bin/deltalakedb", "import", source, uri, "--verify", "none",
                        "--json"], stdout=subprocess.DEVNULL, check=True)
        return uri

    def make_postgres_tables(self, count, schema="catalog"):
        first = self.made
        return [self.make_table(self.server.uri(schema, f"t{first + i}")) for i in range(count)]

    # ---- ours

    def commit(self, tables, *options, server=None):
        if server:
            server.ask("CHECKPOINT")
        before_s = server.cpu_s() if server else 0
        measured = run.measured_by_itself([self.build / "bin/bench_commits", *tables, *options])
        measured["client_cpu_s"] = measured["cpu_s"] / measured["commits"]
        if server:  # the warm-up's part is left out by its share
            warm_up = int(options[options.index("--warm-up") + 1])
            clients = 1
            for option in ("--threads", "--processes"):
                if option in options:
                    clients *= int(options[options.index(option) + 1])
            measured["server_cpu_s"] = (server.cpu_s() - before_s) / (
                measured["commits"] + warm_up * clients)
        return measured

    def ours_on_postgres(self, tables, *options):
        return self.commit(self.make_postgres_tables(tables), *options, *self.counts.options(),
                           "--warm-up", str(self.counts.warm_up), server=self.server)

    def ours_in_a_file(self, kind, *options):
        uri = f"deltasql://{kind}/{self.new_path('.' + kind)}?table=t"
        return self.commit([self.make_table(uri)], *options, *self.counts.options(),
                           "--warm-up", str(self.counts.warm_up))

    def large(self, files):
        """Ours, and the same rows in other ways."""
        for schema in ("large", "empty"):
            self.server.ask(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        subprocess.run([self.build / "bin/deltalakedb", "init", self.server.uri("empty")],
                       stdout=subprocess.DEVNULL, check=True)
        measured = self.commit(self.make_postgres_tables(1, "large"), "--files", str(files),
                               "--commits", str(LARGE_COMMITS), "--warm-up", "1",
                               server=self.server)
        raw = run.measured_by_itself([self.build / "bin/bench_postgres_raw", self.server.words(),
                                      "large", "empty", "--rows", str(files)])
        check(raw["rows"] == files, f"{raw['rows']} rows of {files}")
        return {**measured, "copy_bare_s": raw["copy_bare"]["median_s"],
                "copy_s": raw["copy"]["median_s"], "by_row_s": raw["by_row_s"],
                "by_row_each_s": raw["by_row_each_s"] * files / raw["rows_each"]}

    # ---- the databases themselves

    def pgbench(self, clients, row):
        """pgbench's own way: a round trip for each of four statements."""
        self.server.ask(
            "DROP TABLE IF EXISTS bench.head, bench.log; "
            "CREATE TABLE bench.head (id int PRIMARY KEY, version bigint NOT NULL); "
            "CREATE TABLE bench.log (id bigserial PRIMARY KEY, head int NOT NULL, "
            "payload text NOT NULL); "
            f"INSERT INTO bench.head SELECT n, 0 FROM generate_series(0, {PGBENCH_HEADS}) n")
        script = self.new_path(".sql")
        script.write_text(PGBENCH.format(row=row, payload=PAYLOAD), encoding="ascii")
        self.server.ask("CHECKPOINT")
        before_s = self.server.cpu_s()
        log = self.new_path()
        log.mkdir()
        how_long = (["-T", str(self.counts.seconds)] if self.counts.seconds
                    else ["-t", str(self.counts.commits)])
        done = subprocess.run(
            [self.server.bin / "pgbench", "-n", "-M", "prepared", "-f", script, "-c", str(clients),
             "-j", str(min(PGBENCH_THREADS, clients)), *how_long, "-l", "--log-prefix", log / "l",
             "-h", self.server.host, "-p", str(self.server.port), "-U", postgres_server.USER,
             postgres_server.DATABASE], capture_output=True, text=True, check=False)
        check(done.returncode == 0, f"pgbench: {done.stderr}")
        commits = int(re.search(r"actually processed: (\d+)", done.stdout).group(1))
        spent_s = self.server.cpu_s() - before_s
        rows, versions = (int(self.server.ask(f"SELECT {what}")) for what in (
            "count(*) FROM bench.log", "sum(version) FROM bench.head"))
        check(rows == versions == commits,
              f"pgbench: {commits} transactions, {rows} rows, {versions} versions")
        times = [int(line.split()[2]) * 1e-6 for part in log.iterdir()
                 for line in part.read_text(encoding="ascii").splitlines()]
        return {"commits": commits, "median_s": statistics.median(times), "p95_s": p95(times),
                "commits_per_s": float(re.search(r"tps = ([\d.]+)", done.stdout).group(1)),
                "server_cpu_s": spent_s / commits}

    def raw(self, command, server=None):
        """A program that makes minimal transactions."""
        before_s = server.cpu_s() if server else 0
        measured = run.measured_by_itself([*command, *self.counts.options(), "--warm-up",
                                           str(self.counts.warm_up)])
        measured["client_cpu_s"] = measured["cpu_s"] / measured["commits"]
        if server:
            measured["server_cpu_s"] = (server.cpu_s() - before_s) / (
                measured["commits"] + self.counts.warm_up)
        return measured

    def one_trip(self):
        self.server.ask("CHECKPOINT")
        return self.raw([self.build / "bin/bench_postgres_commits", self.server.words(), "bench"],
                        self.server)

    def bare(self, kind):
        return self.raw([self.build / f"bin/bench_{kind}_commits", self.new_path("." + kind)])

    # ---- peers

    def run_writers(self, commands):
        """Writers that start together; what they measured, and how many commits they made."""
        writers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    text=True) for command in commands]
        try:
            for writer in writers:
                check(writer.stdout.readline() == "ready\n", "a writer did not become ready")
            for writer in writers:
                writer.stdin.write("\n")
                writer.stdin.flush()
            measured = [json.loads(writer.stdout.readline() or "null") for writer in writers]
        finally:
            for writer in writers:
                with contextlib.suppress(BrokenPipeError):
                    writer.stdin.close()
                writer.stdout.close()
                status = writer.wait()
        check(None not in measured and status == 0, "a writer failed")
        times = [time_s for one in measured for time_s in one["times"]]
        return sum(one["all"] for one in measured), {
            "commits": len(times), "median_s": statistics.median(times), "p95_s": p95(times),
            "commits_per_s": len(times) / max(one["seconds"] for one in measured),
            "again": sum(one["again"] for one in measured)}

    def delta_rs(self, writers, *options, files=1):
        table = self.new_path()
        commits_delta_rs.create(table)
        apart = 10_000_000  # files of one writer
        made, measured = self.run_writers([
            [sys.executable, run.BENCH / "commits_delta_rs.py", table, "--first", str(i * apart),
             "--files", str(files), *(options or self.counts.options())] for i in range(writers)])
        stored = commits_delta_rs.count(table)
        check(stored == (made, made * files),
              f"delta-rs: {made} commits of {files} files, and {stored} versions and files")
        return measured

    def ducklake_with(self, kind, writers, inline):
        data = self.new_path()
        catalog = f"sqlite:{self.new_path('.ducklake')}"
        if kind == "postgres":
            name = f"lake{self.made}"
            self.server.ask(f"CREATE DATABASE {name}")
            catalog = (f"postgres:dbname={name} host={self.server.host} port={self.server.port} "
                       f"user={postgres_server.USER}")
        program = [self.ducklake, run.BENCH / "commits_ducklake.py", catalog, data, "--inline",
                   str(inline)]
        before = run.measured_by_itself([*program, "--create"])
        made, measured = self.run_writers([[*program, *self.counts.options()]] * writers)
        after = run.measured_by_itself([*program, "--count"])
        check(after == {"snapshots": before["snapshots"] + made, "rows": made},
              f"DuckLake: {made} commits and {after}, from {before}")
        if kind == "postgres":
            self.server.ask(f"DROP DATABASE {name}")
        return measured


def make_cases(bench, large_files):
    """By name, in the order of the report."""
    large = [str(LARGE_COMMITS)]
    cases = {"postgres, one-trip transaction": bench.one_trip,
             "postgres, 1 client": lambda: bench.ours_on_postgres(1)}
    for clients in (1, 4, 16):
        many = f"{clients} client{'s' if clients > 1 else ''}"
        cases[f"pgbench, {many}, a row each"] = lambda n=clients: bench.pgbench(n, ":client_id")
        cases[f"pgbench, {many}, one row"] = lambda n=clients: bench.pgbench(n, "0")
    for what in ("threads", "processes"):
        for clients in (4, 16):
            cases[f"postgres, {clients} {what}, a table each"] = (
                lambda n=clients, what=what: bench.ours_on_postgres(n, f"--{what}", str(n)))
    for what, several in (("threads", (4, 16, 64)), ("processes", (4, 16))):
        for clients in several:
            cases[f"postgres, {clients} {what}, one table"] = (
                lambda n=clients, what=what: bench.ours_on_postgres(1, f"--{what}", str(n)))
    for files in large_files:
        cases[f"postgres, {files:,} files"] = lambda files=files: bench.large(files)
    cases["sqlite, bare transaction"] = lambda: bench.bare("sqlite")
    cases["sqlite, 1 client"] = lambda: bench.ours_in_a_file("sqlite")
    cases["sqlite, 16 threads, one table"] = lambda: bench.ours_in_a_file("sqlite", "--threads",
                                                                          "16")
    cases["sqlite, 4 processes, one table"] = lambda: bench.ours_in_a_file("sqlite", "--processes",
                                                                           "4")
    cases["duckdb, bare transaction"] = lambda: bench.bare("duckdb")
    cases["duckdb, 1 client"] = lambda: bench.ours_in_a_file("duckdb")
    cases["delta-rs, 1 writer"] = lambda: bench.delta_rs(1)
    cases["delta-rs, 4 writers, one table"] = lambda: bench.delta_rs(4)
    for files in large_files:
        cases[f"delta-rs, {files:,} files"] = (
            lambda files=files: bench.delta_rs(1, "--commits", *large, files=files))
    for kind in ("postgres", "sqlite"):
        for inline, with_what in ((10, ""), (0, " with Parquet")):
            for writers, name in ((1, "1 writer"), (4, "4 writers, one table")):
                cases[f"ducklake on {kind}{with_what}, {name}"] = (
                    lambda kind=kind, writers=writers, inline=inline:
                    bench.ducklake_with(kind, writers, inline))
    return cases
