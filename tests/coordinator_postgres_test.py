# SPDX-License-Identifier: Apache-2.0
"""What coordinator_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import coordinator_test, kit
from coordinator_world import coordinator, sql
from kit import equal


def test_connections():
    """As many as the documents say, so that an operator can set the server's max_connections."""
    with coordinator(DB_POOL_SIZE="3") as c:
        count = sql(c, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                       "AND pid <> pg_backend_pid()")
        equal("ten, and those for reads", count, [["13"]])


if __name__ == "__main__":
    kit.main({name: test for name, test in {**vars(coordinator_test), **globals()}.items() if name.startswith("test_")})
