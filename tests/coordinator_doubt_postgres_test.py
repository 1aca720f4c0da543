#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What coordinator_doubt_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import coordinator_doubt_test, kit

if __name__ == "__main__":
    kit.main(vars(coordinator_doubt_test))
