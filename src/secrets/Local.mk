# SPDX-License-Identifier: Apache-2.0
UNITS += secrets
secrets.needs := base repo codec crypto near
secrets.libs := -lpcre2-8
