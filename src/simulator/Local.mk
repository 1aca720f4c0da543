# SPDX-License-Identifier: Apache-2.0
# A program of its own: what it signs is worth nothing, and no daemon links it (`make check`).
UNITS += simulator
simulator.needs := base codec crypto http testpki
simulator.libs := -lcrypto -lsodium -lsecp256k1
PROGRAMS += bin/outlayer-dstack-simulator
bin/outlayer-dstack-simulator.sources := src/simulator/main.c
bin/outlayer-dstack-simulator.units := simulator
