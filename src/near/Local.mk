# SPDX-License-Identifier: Apache-2.0
UNITS += near
near.needs := base codec crypto http
near.libs := -lsecp256k1
