# SPDX-License-Identifier: Apache-2.0
"""What coordinator_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import coordinator_test, kit

if __name__ == "__main__":
    kit.main({name: test for name, test in vars(coordinator_test).items() if name.startswith("test_")})
