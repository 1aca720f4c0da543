# SPDX-License-Identifier: Apache-2.0
UNITS += egress
egress.needs := base sandbox
egress.libs := -lcrypto -lresolv
PROGRAMS += bin/outlayer-broker
bin/outlayer-broker.sources := src/egress/main.c
bin/outlayer-broker.units := egress
$(O)/test/egress_test: | $(O)/bin/outlayer-broker
