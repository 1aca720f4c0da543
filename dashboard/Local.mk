# SPDX-License-Identifier: Apache-2.0
# The dashboard is made where npm is, when it is asked for: `make dashboard`. `outlayer up` finds it beside its programs.
dashboard_srcs := $(shell find dashboard \( -name node_modules -o -name schema.ts -path "*/api/*" \) -prune -o -type f -print)
build/dashboard.made: $(dashboard_srcs) docs/openapi.json scripts/dashboard.sh $(WEB)/verify.js build/contracts/register.wasm
	@mkdir -p build
	@echo "  JS   build/dashboard"
	@scripts/dashboard.sh build && touch $@
.PHONY: dashboard
dashboard: build/dashboard.made
