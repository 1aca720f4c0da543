# SPDX-License-Identifier: Apache-2.0
UNITS += chain
chain.needs := base codec crypto near ledger nearvm
