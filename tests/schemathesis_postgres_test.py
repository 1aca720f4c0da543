#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What schemathesis_test.py asks of a coordinator, of one whose queue is PostgreSQL's rows; but for what is passed on."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import kit, schemathesis_test

if __name__ == "__main__":
    kit.main({name: test for name, test in vars(schemathesis_test).items() if name != "test_what_is_passed_on"})
