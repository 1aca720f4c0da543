#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The fleet's test with SQLite, where there is one coordinator: a short sample."""
import os

os.environ.setdefault("FLEET_FORM", "sqlite")
import fleet_test, kit

if __name__ == "__main__":
    kit.main({"test_fleet": fleet_test.test_fleet})
