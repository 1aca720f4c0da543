# SPDX-License-Identifier: Apache-2.0
# dcap.wasm is the core without a system around it, and is made with the contracts. The page and the ES module are made of
# it where npm is: `make web`. Both have the module within them, so they load nothing.
dcap_core := $(filter-out src/dcap/backend_%.c,$(call sources_in,src/dcap))
$(eval $(call wasm,dcap,$(patsubst %.c,build/contracts/obj/%.o,$(dcap_core) web/verify/backend.c web/verify/dcap.c contracts/sdk/text.c contracts/sdk/builtins.c),web/verify))

WEB := build/web/verify
web_srcs := $(filter-out %.d.ts,$(wildcard web/verify/*.js)) $(wildcard web/verify/package*.json) build/contracts/dcap.wasm
# $(call bundle,ENTRY,FORMAT): one file with all that ENTRY imports.
define bundle
@mkdir -p $(WEB) && packages=$$(scripts/npm.sh web/verify) && NODE_PATH=$$packages/node_modules \
	$$packages/node_modules/.bin/esbuild web/verify/$(1) --bundle --minify --format=$(2) --target=es2022 \
	--loader:.wasm=binary --legal-comments=inline --log-level=warning --outfile=$@
endef
$(WEB)/page.js: $(web_srcs) web/verify/Local.mk
	@echo "  JS   $@"
	$(call bundle,page.js,iife)
$(WEB)/verify.js: $(web_srcs) web/verify/Local.mk
	@echo "  JS   $@"
	$(call bundle,verify.js,esm)
$(WEB)/%: web/verify/%
	@mkdir -p $(@D) && cp $< $@
$(WEB)/dcap.wasm: build/contracts/dcap.wasm
	@mkdir -p $(@D) && cp $< $@
.PHONY: web
web: $(addprefix $(WEB)/,index.html style.css page.js verify.js verify.d.ts package.json dcap.wasm)

# What the same core says natively, for tests and the benchmark.
PROGRAMS += help/dcap-reports
help/dcap-reports.sources := tests/browser/native.c
help/dcap-reports.units := dcap
tests: $(O)/help/dcap-reports
