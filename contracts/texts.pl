#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# texts.pl <IN.ll >OUT.ll: what a contract says is packed, where the contract can unpack it (it has text_pairs).
#
# Sentences and names are a fifth of a module, and most are said by calls that fail. In a packed text a byte from 128 on
# stands for two others, which text_pairs[byte - 128] has; they may be such bytes again. Which pairs: the one that is most
# often there gets the next byte, again and again. A text is packed where all that is done with it is to hand it to what
# unpacks: below, with the place of the argument.
use strict;
use warnings;

# A function, how many arguments it has (the optimiser takes some off), and which of them it unpacks.
my %says = (
    'require/2' => [1], 'stop/1' => [0], 'out_str/2' => [1], 'json_stop/2' => [1], 'json_stop_name/3' => [0, 2],
    'stop_register/2' => [1], 'stop_method/2' => [0, 1], 'stop_method/3' => [0, 1, 2], 'entry_begin/2' => [1],
    'register_key/2' => [1], 'put_refusal/1' => [0], 'put_refusal/2' => [1], 'put_word/2' => [1], 'put_key/2' => [1],
    'member_word/3' => [1, 2], 'member_string/3' => [0], 'member_string/4' => [1], 'member_number/2' => [0],
    'member_number/3' => [1], 'member_bool/2' => [0], 'member_bool/3' => [1], 'member_open/3' => [1],
    'member_hex/2' => [0], 'member_hex/3' => [1], 'member_hex_bytes/4' => [1], 'log_setting/3' => [0],
);
# Texts one behind the other, for dcap_nth.
my $tables = qr/^\@(part_name\.names|dcap_code_name\.names|dcap_refusal_name\.names|dcap_field_name\.names|binding_sentences)$/;

my @line = <STDIN>;
if (!grep { /^\@text_pairs = / } @line) { print @line; exit }

sub items {    # of a list with commas
    my ($list) = @_;
    my ($depth, @item) = (0, '');
    for my $c (split //, $list) {
        $depth++ if $c =~ /[(\[{<]/;
        $depth-- if $c =~ /[)\]}>]/;
        last if $depth < 0;
        if ($c eq ',' && !$depth) { push @item, '' }
        else                      { $item[-1] .= $c }
    }
    return @item;
}

my (%text, %uses, %said);
/^(\@[\w.\$]+) = (?:private|internal) (?:unnamed_addr )?constant \[\d+ x i8\] c"(.*)\\00", align/ and $text{$1} = $2 for @line;
for (@line) {
    $uses{$_}++ for grep { defined $text{$_} } /(\@[\w.\$]+)/g;
    # Tables of members that are shown; the one of arguments, which are read, looks alike.
    if (/^\@([\w.\$]+) = internal constant \[\d+ x %struct\.shown\]/ && $1 ne 'known') {
        $said{$_}++ for grep { defined $text{$_} } /(\@[\w.\$]+)/g;
    }
    next if !/\bcall .*?\@([\w.\$]+)\((.*)$/;
    my ($called, @argument) = ($1, items($2));
    my $places = $says{ $called . '/' . @argument } or next;
    for my $text (map { $argument[$_] =~ /^\s*ptr .*?(\@[\w.\$]+)$/ ? $1 : () } @$places) { $said{$text}++ }
}
# Each is also there where it is defined.
my @packed = grep { $_ =~ $tables || ($said{$_} // 0) == $uses{$_} - 1 } sort keys %text;
my %bytes  = map  { $_ => $text{$_} =~ s/\\([0-9A-F]{2})/chr hex $1/ger } @packed;
@packed = grep { $bytes{$_} !~ /[\x80-\xff]/ } @packed;

my $all = join "\0\x01", map { $bytes{$_} } @packed;
my @pair;
while (@pair < 128) {
    my %count;
    $count{ substr $all, $_, 2 }++ for 0 .. length($all) - 2;
    my ($best) = sort { $count{$b} <=> $count{$a} || $a cmp $b } grep { !/[\0\x01]/ } keys %count;
    last if $count{$best} < 4;    # a pair takes two bytes itself
    my $byte = chr(128 + @pair);
    $all =~ s/\Q$best\E/$byte/g;
    push @pair, $best;
}
@bytes{@packed} = split /\0\x01/, $all;

sub quoted { return join '', map { sprintf '\\%02X', ord } split //, $_[0] }
for (@line) {
    if (/^(\@[\w.\$]+) = / && defined $bytes{$1}) {
        my ($n, $new) = (length($bytes{$1}) + 1, quoted($bytes{$1}));
        s/\[\d+ x i8\] c".*\\00"/[$n x i8] c"$new\\00"/;
    }
    s/^(\@text_pairs = .*?constant) .*, align/sprintf '%s [%d x i8] c"%s", align', $1, 2 * @pair, quoted(join '', @pair)/e;
    s/ dereferenceable\(\d+\) (\@[\w.\$]+)/defined $bytes{$1} ? " $1" : $&/ge;
    print;
}
