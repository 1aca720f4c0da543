// SPDX-License-Identifier: Apache-2.0
// What the table of methods (../methods.h) says, for others: near-abi JSON, and the tables of docs/contract.md.
#pragma once
#include <stdio.h>

void abi_json(FILE *to);
void abi_tables(FILE *to); // Markdown
