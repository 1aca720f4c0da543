# SPDX-License-Identifier: Apache-2.0
"""What stands in for a daemon or a server in the black-box tests. Each fake serves on a free port of loopback, does
what the test tells it and remembers what it was asked."""
