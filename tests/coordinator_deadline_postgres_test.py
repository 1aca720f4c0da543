#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What coordinator_deadline_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows; but for what only a
worker does."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import coordinator_deadline_test, kit

if __name__ == "__main__":
    kit.main({k: v for k, v in vars(coordinator_deadline_test).items() if k != "test_hopeless"})
