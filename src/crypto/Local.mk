# SPDX-License-Identifier: Apache-2.0
UNITS += crypto
crypto.needs := base codec
crypto.libs := -lsodium -lcrypto
