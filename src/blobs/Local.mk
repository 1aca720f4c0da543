# SPDX-License-Identifier: Apache-2.0
UNITS += blobs
blobs.needs := base codec crypto
