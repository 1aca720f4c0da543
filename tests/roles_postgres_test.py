#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What roles_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows; but for what only a worker does."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import kit, roles_test

if __name__ == "__main__":
    kit.main({k: v for k, v in vars(roles_test).items() if k not in ("test_neither", "test_a_hand_over_that_fails")})
