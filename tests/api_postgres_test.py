#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What api_test.py demands of a coordinator, of one whose queue is PostgreSQL's rows."""
import os

os.environ["OUTLAYER_TEST_DATABASE"] = "postgres"
import api_test, kit

if __name__ == "__main__":
    kit.main(vars(api_test))
