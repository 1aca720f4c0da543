# SPDX-License-Identifier: Apache-2.0
UNITS += devnet
devnet.needs := base codec crypto http near store ledger chain
PROGRAMS += bin/outlayer-devnet
bin/outlayer-devnet.sources := src/devnet/main.c
bin/outlayer-devnet.units := devnet
