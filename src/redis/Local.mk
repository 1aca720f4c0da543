# SPDX-License-Identifier: Apache-2.0
UNITS += redis
redis.needs := base crypto
redis.libs := -lhiredis -lcurl
