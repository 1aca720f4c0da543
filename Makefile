# SPDX-License-Identifier: Apache-2.0
# The one front: `make help`. Non-recursive; each unit has a Local.mk beside it that names what it is built from.
# Flavours build into folders of their own: make FLAVOUR=asan|tsan|clang|unguarded|coverage …
FLAVOUR ?= release
O ?= $(if $(filter release,$(FLAVOUR)),build,build/$(FLAVOUR))
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(shell nproc)
endif
.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

ifeq ($(origin CC),default)
CC := $(if $(filter clang asan tsan fuzz coverage,$(FLAVOUR)),clang-14,gcc)
endif
AR ?= ar
WARN := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wpointer-arith -Wwrite-strings \
	-Wformat=2 -Wundef -Wcast-align -Wold-style-definition -Wredundant-decls
CFLAGS_release := -O2 -D_FORTIFY_SOURCE=2
CFLAGS_clang := -O1
# For tests of the jail alone: single guards can be switched off (src/sandbox/guards.h).
CFLAGS_unguarded := -O2 -D_FORTIFY_SOURCE=2 -DOUTLAYER_UNGUARDED
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
# The counters live in files that all processes of a program share, so that those of a killed or forked one are counted.
CFLAGS_coverage := -O1 -fprofile-instr-generate=$(CURDIR)/build/coverage/raw/%m%c.profraw -fcoverage-mapping \
	-mllvm -runtime-counter-relocation=true
CFLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
CFLAGS := -std=gnu2x -g $(WARN) -D_GNU_SOURCE -Isrc -include base/banned.h -fstack-protector-strong -fPIE \
	-ffunction-sections -fdata-sections $(CFLAGS_$(FLAVOUR)) $(EXTRA_CFLAGS)
LDFLAGS := -pie -Wl,--gc-sections -Wl,-z,relro,-z,now $(filter-out -mllvm -runtime-counter%,$(CFLAGS_$(FLAVOUR))) \
	$(if $(filter fuzz asan tsan clang coverage,$(FLAVOUR)),-fuse-ld=lld)

comma := ,
include scripts/kit.mk

# Lowest layer first: a unit may use only those above its own line here.
include src/base/Local.mk
include src/repo/Local.mk
include src/dcap/Local.mk
include src/codec/Local.mk
include src/crypto/Local.mk
include src/http/Local.mk
include src/testpki/Local.mk
include src/simulator/Local.mk
include src/near/Local.mk
include src/protocol/Local.mk
include src/collateral/Local.mk
include src/tee/Local.mk
include src/secrets/Local.mk
include src/store/Local.mk
include src/redis/Local.mk
include src/blobs/Local.mk
include src/queue/Local.mk
include src/wasm/Local.mk
include src/wasmref/Local.mk
include src/sandbox/Local.mk
include src/egress/Local.mk
include src/keystore/Local.mk
include src/executor/Local.mk
include src/builder/Local.mk
include src/ledger/Local.mk
include src/nearvm/Local.mk
include src/chain/Local.mk
include src/devnet/Local.mk
include src/coordinator/Local.mk
include src/worker/Local.mk
include src/cli/Local.mk
include contracts/Local.mk
include web/verify/Local.mk
include dashboard/Local.mk
include bench/Local.mk
include tests/hostile/Local.mk
include scripts/kit_rules.mk

# The engine is built once per machine, outside the checkout (scripts/engine.sh); all flavours share it.
ENGINE := build/engine
# It is looked over each time; what was compiled against another one is compiled anew.
build/engine.made: FORCE
	@mkdir -p build && dir=$$(scripts/engine.sh) && \
		{ [ "$$(readlink $(ENGINE))" = "$$dir" ] && [ -e $@ ] || { ln -sfn "$$dir" $(ENGINE) && touch $@; }; }
.PHONY: FORCE
FORCE:

.PHONY: all tests fuzz-replay
all: $(call programs_of,bin) $(CONTRACTS)
tests: $(call programs_of,test) $(call programs_of,fuzz)
include scripts/targets.mk

-include $(shell find $(O)/obj -name '*.d' 2>/dev/null)
