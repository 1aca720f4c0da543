# SPDX-License-Identifier: Apache-2.0
# Programs that try to get out of every confinement (attempt.h), for tests/hostile_test.py. Never installed.
HOSTILE_ATTEMPTS := $(addprefix tests/hostile/,attempt.c descriptors.c processes.c sockets.c kernel.c files.c \
	resources.c forged.c)
$(eval $(call program,hostile,hostile,$(addprefix tests/hostile/,hostile.c boxes.c runs.c ground.c) $(HOSTILE_ATTEMPTS),builder executor,))
$(eval $(call program,hostile,escaped,src/executor/main.c tests/hostile/escaped.c $(HOSTILE_ATTEMPTS),executor,\
	-Wl$(comma)--wrap=engine_run -Wl$(comma)--wrap=engine_validate))
cflags_hostile := -isystem build/engine/include
# Runs in boxes that may show no libraries at all.
PROGRAMS_hostile += $(O)/hostile/attack
$(O)/hostile/attack: $(patsubst %.c,$(O)/obj/%.o,tests/hostile/attack.c $(HOSTILE_ATTEMPTS))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) -o $@ $^ -static-pie -pthread $(CFLAGS_$(FLAVOUR))
$(O)/hostile/hostile: | $(O)/bin/outlayer-sandbox $(O)/bin/outlayer-broker $(O)/hostile/attack $(O)/hostile/escaped

.PHONY: hostile-programs
hostile-programs: $(PROGRAMS_hostile)
