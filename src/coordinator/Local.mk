# SPDX-License-Identifier: Apache-2.0
UNITS += coordinator
coordinator.needs := base repo codec crypto http near protocol secrets store redis blobs queue sandbox egress builder
PROGRAMS += bin/outlayer-coordinator
bin/outlayer-coordinator.sources := src/coordinator/main.c
bin/outlayer-coordinator.units := coordinator
$(O)/test/coordinator_test: | $(O)/bin/outlayer-broker
PROGRAMS += help/api-document
help/api-document.sources := src/coordinator/main_document.c
help/api-document.units := coordinator
tests: $(O)/help/api-document
