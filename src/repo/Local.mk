# SPDX-License-Identifier: Apache-2.0
UNITS += repo
repo.needs := base
