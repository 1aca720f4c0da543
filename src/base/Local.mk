# SPDX-License-Identifier: Apache-2.0
UNITS += base
base.libs := -lpthread
