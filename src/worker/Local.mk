# SPDX-License-Identifier: Apache-2.0
UNITS += worker
worker.needs := base repo codec crypto http near protocol secrets wasm sandbox egress executor builder
PROGRAMS += bin/outlayer-worker
bin/outlayer-worker.sources := src/worker/main.c
bin/outlayer-worker.units := worker
