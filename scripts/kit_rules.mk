# SPDX-License-Identifier: Apache-2.0
# The rules that follow from what all Local.mk files have said (scripts/kit.mk).

# In the order of the layers, so that what a unit needs is known before it.
$(foreach u,$(UNITS),$(eval $(u).with_needs := $(sort $(u) $(foreach n,$($(u).needs),$($(n).with_needs)))))

# A unit's tests and fuzz targets need the unit alone.
$(foreach u,$(UNITS),$(eval TESTED += src/$(u))$(eval src/$(u).test_units := $(u))$(eval src/$(u).fuzz_units := $(u)))
test_names = $(basename $(notdir $(wildcard $(1)/*_test.c)))
fuzz_names = $(basename $(notdir $(wildcard $(1)/*_fuzz.c)))
# $(call part_of,KIND,FOLDER,NAME): the program's variables from its folder's.
define part_of
PROGRAMS += $(1)/$(3)
$(1)/$(3).sources := $(2)/$(3).c $($(2).$(1)_sources)
$(1)/$(3).units := $($(2).$(1)_units)
$(1)/$(3).libs := $($(2).$(1)_libs)
endef
$(foreach f,$(TESTED),$(foreach n,$(call test_names,$(f)),$(eval $(call part_of,test,$(f),$(n)))))
$(foreach f,$(TESTED),$(foreach n,$(call fuzz_names,$(f)),$(eval $(call part_of,fuzz,$(f),$(n)))))

# What each program of a kind is made of besides its own: outside the fuzzer's flavour, a fuzz target replays its seeds.
kind.test.libs := -lcmocka
kind.fuzz.sources := $(if $(filter fuzz,$(FLAVOUR)),,src/base/main_replay.c)
kind.fuzz.units := base
kind.fuzz.libs := $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer)
# $(call all_of,PROGRAM,sources|units|libs)
all_of = $($(1).$(2)) $(kind.$(firstword $(subst /, ,$(1))).$(2))

$(UNITS:%=$(O)/lib/lib%.a): $(O)/lib/lib%.a: $$(call objects,$$(call sources_in,src/$$*))
	@mkdir -p $(@D) && rm -f $@ && $(AR) rcsD $@ $^

$(PROGRAMS:%=$(O)/%): $(O)/%: $$(call objects,$$(call all_of,$$*,sources)) $$(call archives,$$(call all_of,$$*,units))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group \
		$(call libraries,$(call all_of,$*,units)) $(call all_of,$*,libs) $(LDFLAGS)
