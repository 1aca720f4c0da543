# SPDX-License-Identifier: Apache-2.0
UNITS += ledger
ledger.needs := base codec crypto near
