// SPDX-License-Identifier: Apache-2.0
// Secrets: who stores, changes and removes them, what it costs, and that money and storage agree after each call.
#include "kit/kit.h"
#include "repo/spellings.h"
#include <stdio.h>
#include <stdlib.h>

#define REPO "\"repo\":\"github.com/a/b\""
#define P REPO ",\"profile\":\"prod\""
#define BLOB ",\"encrypted_secrets_base64\":\"AAAA\""
#define ALL ",\"access\":\"AllowAll\""
#define BOB "bob.near"
#define STAKE ((u128)10000000000000000000u)

static u128 estimate(const char *name, const char *owner, const char *rest) {
    char args[20000];
    struct yocto y;
    snprintf(args, sizeof args, "{%s%s,\"owner\":\"%s\"}", name, rest, owner);
    if (!mock_view("estimate_storage_cost", args))
        fail_msg("%s", mock.error);
    assert_true(yocto_parse(&y, (struct text){mock.value + 1, mock.value_len - 2}));
    return y.v;
}

// The call changes the account's storage by exactly what it changes the money that the account keeps.
static void pays_its_bytes(const char *method, const char *caller, u128 deposit, const char *args) {
    u128 balance = mock.balance, usage = mock.usage, sent = 0;
    calls(method, caller, deposit, args);
    for (size_t i = 0; i < mock.receipt_count; i++) {
        assert_int_equal(mock.receipts[i].kind, RECEIPT_TRANSFER);
        assert_string_equal(mock.receipts[i].to, caller);
        sent += mock.receipts[i].amount;
    }
    assert_true(deposit - sent == (mock.usage - usage) * STAKE);
    assert_true(mock.balance - balance == deposit || mock.balance - balance == deposit - sent);
}

static void stores(const char *caller, const char *name, const char *rest) {
    char args[20000];
    snprintf(args, sizeof args, "{%s%s}", name, rest);
    pays_its_bytes("store_secrets", caller, NEAR, args);
}

static void exist(const char *name, const char *owner, const char *answer) {
    char args[1000];
    snprintf(args, sizeof args, "{%s,\"owner\":\"%s\"}", name, owner);
    views("secrets_exist", args, answer);
}

static void stored_listed_and_deleted(void **state) {
    (void)state;
    uint64_t usage = mock.usage;
    u128 need = estimate(P, ALICE, BLOB ALL);
    calls("store_secrets", ALICE, need, "{" P BLOB ALL "}");
    pays_nothing();
    event_is("secrets_stored", "owner", "\"" ALICE "\"");
    event_is("secrets_stored", "branch", "null");
    exist(P, ALICE, "true");
    exist(P, BOB, "false");
    assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
    json_t *j = parsed(mock.value);
    assert_string_equal(json_string_value(json_object_get(j, "encrypted_secrets")), "AAAA");
    assert_string_equal(json_string_value(json_object_get(j, "access")), "AllowAll");
    assert_string_equal(json_string_value(json_object_get(j, "storage_deposit")), amount_text(need));
    assert_true(json_is_null(json_object_get(j, "branch")));
    json_decref(j);
    assert_true(mock_view("list_user_secrets", "{\"account_id\":\"" ALICE "\"}"));
    assert_non_null(strstr(mock.value, "\"profile\":\"prod\""));
    views("list_profiles", "{\"_repo\":\"github.com/a/b\"}",
          "[{\"profile\":\"prod\",\"owner\":\"" ALICE "\",\"branch\":null}]");
    refuses("delete_secrets", BOB, 0, "{" P "}", "Secrets not found");
    calls("delete_secrets", ALICE, 0, "{" P "}");
    pays(ALICE, need);
    assert_int_equal(mock.usage, usage);
    exist(P, ALICE, "false");
    views("list_user_secrets", "{\"account_id\":\"" ALICE "\"}", "[]");
    views("list_profiles", "{\"_repo\":\"github.com/a/b\"}", "[]");
}

// Whoever calls owns: an owner argument would let one account write under another's name.
static void nobody_writes_for_another(void **state) {
    (void)state;
    refuses("store_secrets", BOB, NEAR, "{" P BLOB ALL ",\"owner\":\"" ALICE "\"}", "unknown field");
    stores(BOB, P, BLOB ALL);
    exist(P, ALICE, "false");
    refuses("update_access", ALICE, NEAR, "{" P ",\"new_access\":\"AllowAll\"}", "Secrets not found");
}

// A branch falls back to the row for any branch, and says so; existence does not.
static void branches(void **state) {
    (void)state;
    stores(ALICE, P, BLOB ALL);
    views("count_secret_branches", "{" P ",\"owner\":\"" ALICE "\"}", "0");
    exist(P ",\"branch\":\"main\"", ALICE, "false");
    assert_true(mock_view("get_secrets", "{" P ",\"branch\":\"main\",\"owner\":\"" ALICE "\"}"));
    assert_non_null(strstr(mock.value, "\"branch\":null"));
    stores(ALICE, P ",\"branch\":\"main\"", ",\"encrypted_secrets_base64\":\"BBBB\"" ALL);
    stores(ALICE, P ",\"branch\":\"dev\"", BLOB ALL);
    views("count_secret_branches", "{" P ",\"owner\":\"" ALICE "\"}", "2");
    assert_true(mock_view("get_secrets", "{" P ",\"branch\":\"main\",\"owner\":\"" ALICE "\"}"));
    assert_non_null(strstr(mock.value, "\"branch\":\"main\""));
    assert_non_null(strstr(mock.value, "BBBB"));
    views("list_profiles", "{\"_repo\":\"github.com/a/b\",\"_branch\":\"dev\"}",
          "[{\"profile\":\"prod\",\"owner\":\"" ALICE "\",\"branch\":\"dev\"}]");
    pays_its_bytes("delete_secrets", ALICE, 0, "{" P ",\"branch\":\"main\"}");
    event_is("secrets_deleted", "branch", "\"main\""); // another row has moved into its place
    event_is("secrets_deleted", "profile", "\"prod\"");
    views("count_secret_branches", "{" P ",\"owner\":\"" ALICE "\"}", "1");
    pays_its_bytes("delete_secrets", ALICE, 0, "{" P ",\"branch\":\"dev\"}");
    views("count_secret_branches", "{" P ",\"owner\":\"" ALICE "\"}", "0");
}

// W12: a new secret paid for 190 bytes and took 300, and storing it again gave money back for an index that stayed.
static void w12_storing_again_is_free_of_gain(void **state) {
    (void)state;
    stores(ALICE, P, BLOB ALL);
    u128 balance = mock.balance;
    pays_its_bytes("store_secrets", ALICE, 0, "{" P BLOB ALL "}");
    assert_true(mock.balance == balance);
    event_is("secrets_updated", "profile", "\"prod\"");
    refuses("store_secrets", ALICE, 0, "{" P ",\"encrypted_secrets_base64\":\"AAAAAAAA\"" ALL "}",
            "Insufficient deposit for update. Required: ");
    u128 more = estimate(P, ALICE, ",\"encrypted_secrets_base64\":\"AAAAAAAA\"" ALL) - estimate(P, ALICE, BLOB ALL);
    assert_true(more == 3 * STAKE);
    pays_its_bytes("store_secrets", ALICE, more, "{" P ",\"encrypted_secrets_base64\":\"AAAAAAAA\"" ALL "}");
    pays_its_bytes("store_secrets", ALICE, 0, "{" P BLOB ALL "}"); // smaller: the difference comes back
    assert_int_equal(mock.receipt_count, 1);
}

// W11: a whitelist could grow without a deposit, on the contract's own money.
static void w11_a_larger_condition_is_paid(void **state) {
    (void)state;
    static const char larger[] = ",\"new_access\":{\"Whitelist\":{\"accounts\":[\"bob.near\",\"carol.near\"]}}";
    char args[500];
    snprintf(args, sizeof args, "{" P "%s}", larger);
    stores(ALICE, P, BLOB ALL);
    refuses("update_access", ALICE, 0, args, "Insufficient deposit for update. Required: ");
    pays_its_bytes("update_access", ALICE, NEAR, args);
    event_is("secrets_access_updated", "owner", "\"" ALICE "\"");
    assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
    assert_non_null(strstr(mock.value, "carol.near"));
    assert_non_null(strstr(mock.value, "\"AAAA\""));
    pays_its_bytes("update_access", ALICE, 0, "{" P ",\"new_access\":\"AllowAll\"}");
}

// W14: created_at was overwritten by each update.
static void w14_created_at_stays(void **state) {
    (void)state;
    stores(ALICE, P, BLOB ALL);
    uint64_t first = mock.now_ns;
    mock.now_ns += 1000000000;
    stores(ALICE, P, BLOB ALL);
    assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
    char want[100];
    snprintf(want, sizeof want, "\"created_at\":%llu,\"updated_at\":%llu", (unsigned long long)first,
             (unsigned long long)mock.now_ns);
    assert_non_null(strstr(mock.value, want));
}

// W15: lists are paged on request; removing from the middle leaves no hole and loses nobody.
static void w15_lists_are_paged(void **state) {
    (void)state;
    char args[300];
    uint64_t usage = mock.usage;
    for (int i = 0; i < 30; i++) {
        snprintf(args, sizeof args, REPO ",\"profile\":\"p%02d\"", i);
        stores(i % 3 ? ALICE : BOB, args, BLOB ALL);
    }
    assert_true(mock_view("list_user_secrets", "{\"account_id\":\"" ALICE "\",\"from_index\":18,\"limit\":5}"));
    json_t *j = parsed(mock.value);
    assert_int_equal(json_array_size(j), 2);
    json_decref(j);
    for (int i = 29; i >= 0; i -= 2) {
        snprintf(args, sizeof args, "{" REPO ",\"profile\":\"p%02d\"}", i);
        pays_its_bytes("delete_secrets", i % 3 ? ALICE : BOB, 0, args);
    }
    assert_true(mock_view("list_profiles", "{\"_repo\":\"github.com/a/b\"}"));
    j = parsed(mock.value);
    assert_int_equal(json_array_size(j), 15);
    json_decref(j);
    for (int i = 0; i < 30; i += 2) {
        snprintf(args, sizeof args, "%s,\"profile\":\"p%02d\"", REPO, i);
        exist(args, i % 3 ? ALICE : BOB, "true");
        snprintf(args, sizeof args, "{" REPO ",\"profile\":\"p%02d\"}", i);
        pays_its_bytes("delete_secrets", i % 3 ? ALICE : BOB, 0, args);
    }
    assert_int_equal(mock.usage, usage);
    views("list_user_secrets", "{\"account_id\":\"" ALICE "\",\"from_index\":18446744073709551615,\"limit\":0}", "[]");
}

// W19: what cannot be found or decided later is refused on entry, and costs nothing.
static void w19_names_blobs_and_conditions_are_checked(void **state) {
    (void)state;
    static const struct {
        const char *args, *sentence;
    } wrong[] = {
        {"\"repo\":\"\",\"profile\":\"p\"" BLOB ALL, "Repository cannot be empty"},
        {"\"repo\":\"https://github.com/a/b\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name"},
        {"\"repo\":\"github.com/a/b.git\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name"},
        {"\"repo\":\"a/b\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name"},
        {"\"repo\":\"github.com/a/b/\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name"},
        {"\"repo\":\"github.com//b\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name"},
        {REPO ",\"profile\":\"\"" BLOB ALL, "Profile cannot be empty"},
        {REPO ",\"profile\":\"a b\"" BLOB ALL, "Profile name must contain only alphanumeric, dash, or underscore"},
        {REPO ",\"profile\":\"\xc3\xa4\"" BLOB ALL, "Profile name must contain only alphanumeric, dash, or underscore"},
        {P ",\"branch\":\"\"" BLOB ALL, "Branch name cannot be empty if provided"},
        {P ",\"branch\":\"a b\"" BLOB ALL, "branch one that git takes"},
        {P ",\"encrypted_secrets_base64\":\"\"" ALL, "Encrypted secrets cannot be empty"},
        {P ",\"encrypted_secrets_base64\":\"AAA\"" ALL, "is not base64"},
        {P ",\"encrypted_secrets_base64\":\"AA==AAAA\"" ALL, "is not base64"},
        {P ",\"encrypted_secrets_base64\":\"AB==\"" ALL, "is not base64"},
        {P ",\"encrypted_secrets_base64\":\"AA-A\"" ALL, "is not base64"},
        {P BLOB ",\"access\":\"Nobody\"", "unknown condition"},
        {P BLOB ",\"access\":{\"Whitelist\":{\"accounts\":[\"A\"]}}", "not an account id"},
        {P BLOB ",\"access\":{\"NearBalance\":{\"operator\":\"Gte\",\"value\":1}}", "as a string"},
        {P BLOB ",\"access\":{\"NearBalance\":{\"operator\":\"Foo\",\"value\":\"1\"}}", "unknown variant"},
        {P BLOB ",\"access\":{\"DaoMember\":{\"dao_contract\":\"d.near\"}}", "missing field"},
        {P BLOB ",\"access\":{\"Not\":{\"condition\":{\"Not\":{}}}}", "missing field"},
        {P BLOB ",\"access\":{\"Not\":{\"condition\":\"AllowAll\"},\"Logic\":1}", "expected"},
        {P BLOB ",\"access\":null", "expected"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char args[600];
        snprintf(args, sizeof args, "{%s}", wrong[i].args);
        refuses("store_secrets", ALICE, NEAR, args, wrong[i].sentence);
    }
    refuses("store_secrets", ALICE, 0, "{" P BLOB ALL "}", "Insufficient storage deposit. Required: ");
}

// A name of the longest length is taken, one byte more is refused with the length that is allowed.
static void w19_names_are_bounded(void **state) {
    (void)state;
    static const struct {
        const char *format, *sentence;
        int longest;
    } names[] = {
        {REPO ",\"profile\":\"%0*d\"" BLOB ALL, "Profile name too long (max 64 chars)", 64},
        {P ",\"branch\":\"%0*d\"" BLOB ALL, "Branch name too long (max 255 chars)", 255},
        {"\"repo\":\"h.e/o/%0*d\",\"profile\":\"p\"" BLOB ALL, "Repository must be host/owner/name", 250},
        {P BLOB ",\"access\":{\"AccountPattern\":{\"pattern\":\"%0*d\"}}", "expected 1 to 256 bytes, none of them NUL",
         256},
        {P BLOB ",\"access\":{\"NftOwned\":{\"contract\":\"n.near\",\"token_id\":\"%0*d\"}}", "expected 1 to 256 bytes",
         256},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        for (int more = 0; more < 2; more++) {
            char inside[700], args[704];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(inside, sizeof inside, names[i].format, names[i].longest + more, 7);
#pragma GCC diagnostic pop
            snprintf(args, sizeof args, "{%s}", inside);
            if (more)
                refuses("store_secrets", ALICE, NEAR, args, names[i].sentence);
            else
                calls("store_secrets", ALICE, NEAR, args);
        }
    }
}

// Calls `one` for each line of a file of cases that is neither empty nor a remark: its first word, and the rest.
static void each_case(const char *file, void (*one)(const char *word, const char *text)) {
    char line[1024];
    size_t cases = 0;
    FILE *f = fopen(file, "r");
    if (!f)
        fail_msg("%s cannot be read; tests run in the repository's root", file);
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *blank = strchr(line, ' ');
        if (line[0] == '#' || !blank)
            continue;
        *blank = 0;
        one(line, blank + 1);
        cases++;
    }
    fclose(f);
    assert_true(cases > 20);
}

static void condition(const char *word, const char *json) {
    char args[2000];
    snprintf(args, sizeof args, "{" P BLOB ",\"access\":%s}", json);
    bool ok = mock_call("store_secrets", ALICE, NEAR, args);
    bool want = strcmp(word, "taken") == 0 || strcmp(word, "later") == 0;
    if (ok != want || (!ok && !strstr(mock.error, "panicked: ")))
        fail_msg("%s %s: %s", word, json, mock.error);
}

// src/secrets/cases_test.c runs over the same cases: what is taken here can be decided there.
static void w19_conditions_are_those_of_the_keystore(void **state) {
    (void)state;
    each_case("contracts/outlayer/cases/access.txt", condition);
    refuses("store_secrets", ALICE, NEAR,
            "{" P BLOB ",\"access\":{\"Logic\":{\"operator\":\"And\",\"conditions\":[]}}}",
            "\"conditions\": an empty list decides nothing");
    refuses("store_secrets", ALICE, NEAR, "{" P BLOB ",\"access\":{\"AccountPattern\":{\"pattern\":\")a(\"}}}",
            "\"pattern\": ");
}

// As it stands in a JSON string.
static void quote(char *out, size_t size, const char *text) {
    size_t n = 0;
    for (; *text && n + 7 < size; text++) {
        if ((unsigned char)*text < ' ')
            n += (size_t)snprintf(out + n, size - n, "\\u%04x", (unsigned)*text);
        else if (*text == '"' || *text == '\\')
            out[n++] = '\\';
        if ((unsigned char)*text >= ' ')
            out[n++] = *text;
    }
    out[n] = 0;
}

// A row that is stored under another name than the keystore reads would be paid for and never found; one that is
// stored under two would be two. src/repo/repo_test.c reads the same table.
static void w19_repositories_have_one_name(void **state) {
    (void)state;
    for (size_t i = 0; i < SPELLINGS; i++) {
        char args[2000], quoted[1000];
        quote(quoted, sizeof quoted, spellings[i].text);
        snprintf(args, sizeof args, "{\"repo\":\"%s\",\"profile\":\"p\"" BLOB ALL "}", quoted);
        bool is_name = spellings[i].name && strcmp(spellings[i].name, spellings[i].text) == 0;
        bool ok = mock_call("store_secrets", ALICE, NEAR, args);
        if (ok != is_name || (!ok && !strstr(mock.error, "Repository ")))
            fail_msg("%s: %s", quoted, mock.error);
        // A request may name it in each of its spellings.
        snprintf(args, sizeof args, "{\"code_source\":{\"repo\":\"%s\",\"commit\":\"c\"}}", quoted);
        if (spellings[i].name)
            calls("request_execution", ALICE, NEAR, args);
    }
}

static void every_condition_is_taken(void **state) {
    (void)state;
    static const char *const right[] = {
        "{\"Whitelist\":{\"accounts\":[\"a.near\"]}}",
        "{\"AccountPattern\":{\"pattern\":\".*\\\\.near\"}}",
        "{\"NearBalance\":{\"operator\":\"Gte\",\"value\":\"340282366920938463463374607431768211455\"}}",
        "{\"FtBalance\":{\"contract\":\"ft.near\",\"operator\":\"Ne\",\"value\":\"0\"}}",
        "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":null}}",
        "{\"NftOwned\":{\"contract\":\"nft.near\"}}",
        "{\"NftOwned\":{\"contract\":\"nft.near\",\"token_id\":\"7\"}}",
        "{\"DaoMember\":{\"dao_contract\":\"dao.near\",\"role\":\"council\"}}",
        "{\"Not\":{\"condition\":\"AllowAll\"}}",
        "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[\"AllowAll\",{\"Not\":{\"condition\":\"AllowAll\"}}]}}",
        "{\"Logic\":{\"operator\":{\"And\":null},\"conditions\":[{\"AllowAll\":null}]}}",
    };
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        char rest[500], want[500];
        snprintf(rest, sizeof rest, BLOB ",\"access\":%s", right[i]);
        snprintf(want, sizeof want, "\"access\":%s,", right[i]);
        stores(ALICE, P, rest);
        assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
        if (!strstr(mock.value, want))
            fail_msg("%s came back as %s", right[i], mock.value);
    }
}

struct written {
    char text[20000];
    size_t len;
};

static void write_times(struct written *w, const char *piece, int times) {
    for (int i = 0; i < times; i++)
        w->len += (size_t)snprintf(w->text + w->len, sizeof w->text - w->len, "%s", piece);
}

static void conditions_are_bounded(void **state) {
    (void)state;
    struct written deep = {0}, many = {0};
    char args[20000];
    write_times(&deep, "{" P BLOB ",\"access\":", 1);
    write_times(&deep, "{\"Not\":{\"condition\":", 17);
    write_times(&deep, "\"AllowAll\"", 1);
    write_times(&deep, "}}", 17);
    write_times(&deep, "}", 1);
    refuses("store_secrets", ALICE, NEAR, deep.text, "nested too deeply");
    write_times(&many, "{" P BLOB ",\"access\":{\"Whitelist\":{\"accounts\":[\"aa\"", 1);
    write_times(&many, ",\"aa\"", 200);
    write_times(&many, "]}}}", 1);
    refuses("store_secrets", ALICE, NEAR, many.text, "too many entries");
    struct written large = {0}, nodes = {0};
    write_times(&large, "{" P BLOB ",\"access\":{\"Whitelist\":{\"accounts\":[\"aa\"", 1);
    write_times(&large, ",\"0123456789012345678901234567890123456789012345678901234567890123\"", 123);
    write_times(&large, "]}}}", 1);
    refuses("store_secrets", ALICE, NEAR, large.text, "longer than 8192 bytes");
    write_times(&nodes, "{" P BLOB ",\"access\":{\"Logic\":{\"operator\":\"Or\",\"conditions\":[", 1);
    for (int i = 0; i < 2; i++) {
        write_times(&nodes, "{\"Logic\":{\"operator\":\"Or\",\"conditions\":[\"AllowAll\"", 1);
        write_times(&nodes, ",\"AllowAll\"", 127);
        write_times(&nodes, i ? "]}}" : "]}},", 1);
    }
    write_times(&nodes, "]}}}", 1);
    refuses("store_secrets", ALICE, NEAR, nodes.text, "more than 256");
    // white space is not stored, so it is not paid
    snprintf(args, sizeof args, "{" P BLOB ",\"access\":{ \"AccountPattern\" :{%8200s\"pattern\":\n\"a \\\" b\"}} }",
             "");
    pays_its_bytes("store_secrets", ALICE, NEAR, args);
    assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
    assert_non_null(strstr(mock.value, "\"access\":{\"AccountPattern\":{\"pattern\":\"a \\\" b\"}},"));
}

// The largest blob goes through a call and comes back whole; one byte more is refused.
static void blobs_are_bounded(void **state) {
    (void)state;
    size_t digits = 96 * 1024 / 3 * 4;
    char *blob = malloc(digits + 5), *args = malloc(digits + 1000);
    assert_true(blob && args);
    memset(blob, 'A', digits + 4);
    blob[digits + 4] = 0;
    snprintf(args, digits + 1000, "{" P ",\"encrypted_secrets_base64\":\"%.*s\"" ALL "}", (int)digits, blob);
    pays_its_bytes("store_secrets", ALICE, 2 * NEAR, args);
    assert_true(mock_view("get_secrets", "{" P ",\"owner\":\"" ALICE "\"}"));
    assert_true(mock.value_len > digits);
    snprintf(args, digits + 1000, "{" P ",\"encrypted_secrets_base64\":\"%s\"" ALL "}", blob);
    refuses("store_secrets", ALICE, 2 * NEAR, args, "longer than 98304 bytes");
    free(blob);
    free(args);
}

static void keystore_key_is_the_owners_to_set(void **state) {
    (void)state;
    static const char key[] = "{\"public_key\":\"ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\"}";
    views("get_keystore_key", "", "null");
    refuses("set_keystore_key", ALICE, 0, key, "Only owner can call this method");
    refuses("set_keystore_key", OWNER, 0, "{\"public_key\":\"ed25519:0\"}", "public_key must be ed25519:");
    refuses("set_keystore_key", OWNER, 0, "{\"public_key\":\"secp256k1:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\"}",
            "public_key must be ed25519:");
    static const char *const bad[] = {
        "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ8",    // 31 bytes: two digits were lost
        "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkin",              // as many digits as a key has bytes
        "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ8471", // 33 bytes
        "ed25519:JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFH",  // 2^256
        "ed25519:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
        "ed25519:1111111111111111111111111111111",
        "ed25519:111111111111111111111111111111111",
        "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ8l7",
        "ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ8\\u0034",
        "ed25519:",
        "Ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        char args[128];
        snprintf(args, sizeof args, "{\"public_key\":\"%s\"}", bad[i]);
        refuses("set_keystore_key", OWNER, 0, args, "public_key must be ed25519:");
    }
    refuses("set_keystore_key", OWNER, 0, "{\"public_key\":1}", "public_key must be ed25519:");
    static const char *const good[] = {
        "ed25519:JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG", // 2^256 - 1
        "ed25519:11111111111111111111111111111111",             // 32 zeros
        "ed25519:1111111111111111111111111111111z",
        "ed25519:12JUDVuhJHAa8u3KqW69deFQkfrbEehdrxSJAjSLEwDn",
    };
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char args[128], answer[64];
        snprintf(answer, sizeof answer, "\"%s\"", good[i]);
        snprintf(args, sizeof args, "{\"public_key\":%s}", answer);
        calls("set_keystore_key", OWNER, 0, args);
        views("get_keystore_key", "", answer);
    }
    refuses("set_keystore_key", OWNER, 0, "{}", "missing field \"public_key\""); // null removes it, nothing does not
    calls("set_keystore_key", OWNER, 0, key);
    event_is("keystore_key_set", "public_key", "\"ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\"");
    views("get_keystore_key", "", "\"ed25519:DcA2MzgpJbrUATQLLceocVckhhAqrkingax4oJ9kZ847\"");
    calls("set_keystore_key", OWNER, 0, "{\"public_key\":null}");
    views("get_keystore_key", "", "null");
    views("is_operator", "{\"account_id\":\"" OPERATOR "\"}", "true");
    views("is_operator", "{\"account_id\":\"" ALICE "\"}", "false");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(stored_listed_and_deleted),
        TEST(nobody_writes_for_another),
        TEST(branches),
        TEST(w12_storing_again_is_free_of_gain),
        TEST(w11_a_larger_condition_is_paid),
        TEST(w14_created_at_stays),
        TEST(w15_lists_are_paged),
        TEST(w19_names_blobs_and_conditions_are_checked),
        TEST(w19_names_are_bounded),
        TEST(w19_conditions_are_those_of_the_keystore),
        TEST(w19_repositories_have_one_name),
        TEST(every_condition_is_taken),
        TEST(conditions_are_bounded),
        TEST(blobs_are_bounded),
        TEST(keystore_key_is_the_owners_to_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
