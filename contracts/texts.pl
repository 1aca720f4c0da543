#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# texts.pl <IN.ll >OUT.ll: what a contract says is packed, where the contract can unpack it (it has text_pairs).
#
# Sentences and names are a fifth of a module, and most are said by calls that fail. Texts are ASCII without control
# characters; in a packed text each other byte but 0 stands for two, which text_pairs has from 2 * (uint8_t)(byte - 128)
# on; they may be such bytes again. Which pairs: the one that is most often there gets the next byte, again and again.
# A text is packed where all that is done with it is to hand it to out_str or dcap_text_behind, which unpack: by way of
# whatever functions' arguments and results, of select and phi, and of dcap_nth, which finds one among texts that stand
# one behind the other.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/ir.pl";

my @line = lines();
if (!grep { /^\@text_pairs = / } @line) { print map { "$_\n" } @line; exit }

# --- what texts and values become: "f %x", "out" where it is said, or "" for anything else

my ($f, %text, %uses, %value, %argument, %becomes) = '';
/^(\@[\w.\$]+) = (?:private|internal) (?:unnamed_addr )?constant \[\d+ x i8\] c"(.*)\\00", (?:align|section)/ and $text{$1} = $2 for @line;
for (@line) {
    if (/^define .*?\@([\w.\$]+)\((.*)$/) {
        ($f, my $n) = ($1, 0);
        for (items($2)) { $value{"$f $1"} = $argument{"$f $n"} = "$f $1" if /^\s*ptr .*?(%[\w.]+)$/; $n++ }
    }
    $value{"$f $1"} = 1 if /^  (%[\w.]+) = (?:phi|select i1 [^,]+,) ptr /;
    if (/^  (%[\w.]+) = .*?\bcall .*?ptr \@([\w.\$]+)\(/) {
        $value{"$f $1"} = $value{"result $2"} = 1;
        push @{ $becomes{"result $2"} }, "$f $1";
    }
}
for (@line) {
    $f = $1 if /^define .*?\@([\w.\$]+)\(/;
    $uses{$_}++ for grep { defined $text{$_} } /(\@[\w.\$]+)/g;
    # Tables of members that are shown or read; the one of arguments, which another reader has, looks alike.
    if (/^\@([\w.\$]+) = internal constant \[\d+ x %struct\.(?:shown|dcap_json_member)\]/ && $1 ne 'known') {
        push @{ $becomes{$_} }, 'out' for grep { defined $text{$_} } /(\@[\w.\$]+)/g;
    }
    if (/^\@/) {    # whom a table has is called by whoever looks it up there, who may do anything with the result
        push @{ $becomes{"result $_"} }, '' for /\@([\w.\$]+)/g;
    }
    next if !/^  /;
    my ($result) = /^  (%[\w.]+) = (?:phi|select i1 [^,]+,) ptr /;
    my ($found, $called, $list) = /^  (?:(%[\w.]+) = )?.*?\bcall .*?\@([\w.\$]+)\((.*)$/;
    ($called, $list) = ('result', "$1)") if /^  ret (ptr .*)/;
    my ($n, @argument) = (0, defined $list ? items($list) : ());
    my %to;
    for (@argument) {
        next if !/^ptr /;
        my $to = $called eq 'out_str' ? ($n == $#argument ? 'out' : '') : $called eq 'dcap_text_behind' ? ($n == 0 ? 'out' : '') : $called eq 'dcap_nth' ? "$f $found" : $called eq 'result' ? "result $f" : $argument{"$called $n"} // '';
        if    (/([\@%][\w.\$]+)$/)           { push @{ $to{$1} }, $to }
        elsif (!/ (?:null|undef|poison)$/) { push @{ $becomes{"$f $_"} }, $to }
    } continue { $n++ }
    my $rest = s/^  %\S+ = //r;
    $rest =~ s/^select i1 [^,]+,|, %[\w.-]+ \]//g;    # by what a value is chosen
    my %there;
    $there{$_}++ for $rest =~ /([\@%][\w.\$]+)/g;
    for my $name (keys %there) {
        my @to = $result ? ("$f $result") x $there{$name} : @{ $to{$name} // [] };
        push @to, '' if @to < $there{$name};
        push @{ $becomes{ $name =~ /^\@/ ? $name : "$f $name" } }, @to;
        push @{ $becomes{"result $1"} }, '' if $name =~ /^\@(.*)/ && (!defined $called || $1 ne $called);
    }
}
# What is said was packed here or is read as if it were, so it must be known: a text of ASCII by itself or in a constant
# table, or what these functions find or write: in a list, in a table of members that are shown, with a bracket in it.
my %finds = map { $_ => 1 } qw(dcap_nth put_shown member);
my (%table, %listed, %empty);
for (@line) {
    $empty{$1} = 1 if /^(\@[\w.\$]+) = .* constant \[\d+ x i8\] zeroinitializer, /;
    $f = $1 if /^define .*?\@([\w.\$]+)\(/;
    $table{"$f $1"} = $2 if /^  (%[\w.]+) = getelementptr inbounds \[\d+ x ptr\], ptr (\@[\w.\$]+), /;
    $listed{"$f $1"} = $table{"$f $2"} if /^  (%[\w.]+) = load ptr, ptr (%[\w.]+), /;
}
my %said = (out => 1);
for (my $again = 1; $again;) {
    my @more = grep { !$said{$_} && grep { $said{$_} } @{ $becomes{$_} } } keys %becomes;
    $said{$_} = 1 for @more;
    $again = @more;
}
delete $said{out};
for my $v (sort keys %said) {
    my ($in) = split ' ', $v;
    my $table = $listed{$v};
    if ($table) {
        my ($line) = grep { /^\Q$table\E = .* constant / } @line;
        die "texts.pl: $in says what is in $table, which is no constant\n" if !$line;
        $said{$_} = 1 for $line =~ /(\@[\w.\$]+)/g;
    } elsif (!$value{$v} && !defined $text{$v} && !$finds{$in} && !$empty{$v}) {
        die "texts.pl: $v is said (out_str), but it is no text of the program's; say it by a function that takes its length\n";
    }
}
for my $v (grep { defined $text{$_} } sort keys %said) {
    my $bytes = $text{$v} =~ s/\\([0-9A-F]{2})/chr hex $1/ger;
    die "texts.pl: what is said (out_str) has other characters than ASCII's that can be seen: $text{$v}\n" if $bytes =~ /[^\0 -\x7f]/;
}
# All values may be said alone; those that become something else are not, nor are those that become such ones.
for (my $again = 1; $again;) {
    $again = 0;
    for my $v (keys %value) {
        next if !grep { $_ ne 'out' && !$value{$_} } @{ $becomes{$v} // [] };
        delete $value{$v};
        $again = 1;
    }
}
# Each is also there where it is defined.
my @packed = grep {
    my $said = grep { $_ eq 'out' || $value{$_} } @{ $becomes{$_} // [] };
    $said == ($uses{$_} // 0) - 1
} sort keys %text;
my %bytes = map { $_ => $text{$_} =~ s/\\([0-9A-F]{2})/chr hex $1/ger } @packed;
@packed = grep { $bytes{$_} !~ /[^\0 -\x7f]/ } @packed;

# --- packing

my $all = join "\0\x01", map { $bytes{$_} } @packed;
my @pair;
while (@pair < 160) {
    my %count;
    $count{ substr $all, $_, 2 }++ for 0 .. length($all) - 2;
    my ($best) = sort { $count{$b} <=> $count{$a} || $a cmp $b } grep { !/[\0\x01]/ } keys %count;
    last if $count{$best} < 4;    # a pair takes two bytes itself
    push @pair, ("\0\0") x 2 if @pair == 128;    # no text has the bytes 0 and 1
    my $byte = chr((128 + @pair) % 256);
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
    s/^(\@text_pairs = .*?constant) .*?((?:, section "[^"]*")?, align \d+)$/sprintf '%s [%d x i8] c"%s"%s', $1, 2 * @pair, quoted(join '', @pair), $2/e;
    s/ dereferenceable\(\d+\) (\@[\w.\$]+)/defined $bytes{$1} ? " $1" : $&/ge;
    print "$_\n";
}
