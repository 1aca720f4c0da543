#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What operators_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows; but for a drain, which there
waits for nothing."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import kit, operators_test

OF_COORDINATORS = ("test_a_coordinator_tells_what_it_does", "test_acts_of_the_operator", "test_the_operators_command")

if __name__ == "__main__":
    kit.main({name: getattr(operators_test, name) for name in OF_COORDINATORS})
