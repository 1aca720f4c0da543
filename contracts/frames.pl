#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# frames.pl <IN.ll >OUT.ll: a contract's variables that stand in memory get fixed places instead of places on a stack.
#
# One call runs at a time, and hardly a function calls itself. So it is known before which variables may be in use at the
# same time: those of a function and of all that it may call. What never meets shares its place, as on a stack, and no
# function has code to take and give back a frame or to reckon with where it stands. What may call itself (readers of
# nested JSON) keeps its frame on the stack, which has room for JSON that is nested as deeply as they take it; its overflow
# traps. A struct that is handed over by value is written by the caller to where the callee has it.
#
# An address that is below 8192 takes one byte less, so what is used most for its size comes first, variables before
# constants: the linker lays out .rodata* before all others, in the order in which it finds them.
use strict;
use warnings;
use FindBin;
require "$FindBin::Bin/ir.pl";

my $small = 1024;    # bytes of a variable that goes first
my @line  = lines();

# What a line holds between the bracket at the position and the one that closes it.
sub inside {
    my ($text, $from) = @_;
    my $depth = 0;
    for my $at ($from .. length($text) - 1) {
        my $c = substr $text, $at, 1;
        $depth++ if $c =~ /[(\[{]/;
        $depth-- if $c =~ /[)\]}]/;
        return substr $text, $from + 1, $at - $from - 1 if !$depth;
    }
    die "frames.pl: no closing bracket in: $text\n";
}

# --- how large a type is

my %type;
/^(%[\w.]+) = type (.*)$/ and $type{$1} = $2 for @line;

sub up { my ($n, $to) = @_; return int(($n + $to - 1) / $to) * $to }

sub size {    # size and alignment
    my ($t) = @_;
    return size($type{$t}) if $type{$t};
    return (4, 4)          if $t eq 'ptr';
    return (4, 4)          if $t eq 'float';
    return (8, 8)          if $t eq 'double';
    if ($t =~ /^i(\d+)$/) {
        my $align = 1;
        $align *= 2 while $align < 16 && 8 * $align < $1;
        return (up(int(($1 + 7) / 8), $align), $align);
    }
    if ($t =~ /^\[(\d+) x (.*)\]$/) {
        my ($count, $of) = ($1, $2);
        my ($n, $align) = size($of);
        return ($count * up($n, $align), $align);
    }
    my ($packed, $members) = $t =~ /^(<?)\{(.*)\}>?$/ or die "frames.pl: unknown type $t\n";
    my ($end, $most) = (0, 1);
    for (items($members)) {
        my ($n, $align) = size($_);
        $align = 1      if $packed;
        $most  = $align if $align > $most;
        $end   = up($end, $align) + $n;
    }
    return (up($end, $most), $most);
}

# --- who calls whom: directly, or anything of the same type whose address is taken

my ($f, %shape, %calls, %asks, %taken, %local, %handed);

sub shape {    # result and arguments of a function or call whose name ends at the bracket
    my ($before, $text, $bracket) = @_;
    my ($result, $list) = $before =~ /(\S+) \((.*)\) $/;    # where the number of arguments varies the type is written out
    ($result, $list) = ((split ' ', $before)[-1], inside($text, $bracket)) if !defined $list;
    return join ' ', $result, map { (split)[0] } items($list);
}
for (@line) {
    /^define (.*?)\@([\w.\$]+)\(/ or next;
    my ($before, $bracket) = ($1, $+[0] - 1);
    $f = $2;
    $shape{$f} = shape($before, $_, $bracket);
    my $n = -1;
    for (items(inside($_, $bracket))) {
        $n++;
        push @{ $handed{$f} }, [$n, $3, $1, $2] if /byval\((.*?)\) align (\d+) (%[\w.]+)$/;
    }
}
my $blocks;    # after the first of the function: a variable is taken there once, elsewhere each time
for (@line) {
    ($f, $blocks) = ($1, 0) if /^define .*?\@([\w.\$]+)\(/;
    undef $f                if $_ eq '}';
    $blocks++               if /^[\w.]+:/;
    next                    if /^(define|declare|attributes|!|;)/ || !/^(@| )/;
    die "frames.pl: who calls the function by its other name is not known: $_\n" if /^\@\S+ = .*\b(?:alias|ifunc) /;
    my @name = grep { $shape{$_} } /\@([\w.\$]+)/g;
    if ($f && / call ([^@%]*?)(?:\@([\w.\$]+)|%[\w.]+)\(/) {
        my ($before, $direct, $bracket) = ($1, $2, $+[0] - 1);
        die "frames.pl: a call that must be the last: $_\n" if /musttail/;
        if    (!$direct)        { $asks{$f}{ shape($before, $_, $bracket) } = 1 }
        elsif ($shape{$direct}) { $calls{$f}{$direct} = 1; shift @name }
    } elsif (/^  (?:\S+ = )?(?:\w+ )?(?:call|invoke|callbr) / && !/ asm (?:sideeffect )?"",/) {
        die "frames.pl: who is called is not known: $_\n";
    }
    $taken{$_} = 1 for @name;
    die "frames.pl: $f takes memory while it runs (alloca, an array whose length varies); only variables have a place: $_\n"
        if /^  \S+ = alloca / && ($blocks || / alloca [^,]*, i\d+ /);
    if (/^  (%[\w.]+) = alloca (.*), align (\d+)$/) { push @{ $local{$f} }, [$1, (size($2))[0], $3] }
    elsif (/ alloca /)                              { die "frames.pl: unknown form: $_\n" }
}
# A call of another type traps, unless WebAssembly does not tell the types apart.
sub in_wasm { my ($shape) = @_; return $shape =~ s/\b(?:ptr|i1|i8|i16)\b|\.\.\./i32/gr }
my %typed   = map { $shape{$_}          => 1 } keys %taken;
my %in_wasm = map { in_wasm($shape{$_}) => 1 } keys %taken;
for my $from (keys %asks) {
    die "frames.pl: $from calls a function by a pointer of another type than any function has whose address is taken\n"
        if grep { !$typed{$_} && $in_wasm{ in_wasm($_) } } keys %{ $asks{$from} };
    $asks{$from}{ $shape{$_} } and $calls{$from}{$_} = 1 for keys %taken;
}
for my $g (grep { /^(?:memcpy|memmove|memset|memcmp|bcmp|strlen|__\w+)$/ } keys %shape) {    # the compiler calls them by itself
    $calls{$_}{$g} = 1 for keys %shape;
}

sub reached {
    my @next = keys %{ $calls{ $_[0] } };
    my %seen;
    while (defined(my $g = pop @next)) { $seen{$g}++ or push @next, keys %{ $calls{$g} } }
    return \%seen;
}
my %reach = map { $_ => reached($_) } keys %shape;
for my $g (keys %handed) {    # whom a pointer to the function calls cannot know its place
    if ($taken{$g} || $reach{$g}{$g}) { delete $handed{$g}; next }
    push @{ $local{$g} }, [$$_[1], (size($$_[2]))[0], $$_[3]] for @{ $handed{$g} };
}

# --- how often each name is used

my (%used, %global);
for (@line) {
    $f = $1  if /^define .*?\@([\w.\$]+)\(/;
    undef $f if $_ eq '}';
    if (/^\@([\w.\$]+) = (?:private|internal) (?:unnamed_addr )?(constant|global) (.*), align (\d+)$/) {
        my ($g, $kind, $value, $align) = ($1, $2, $3, $4);
        next if $value =~ /, section /;
        my ($open) = $value =~ /^(<?[[{])/;
        my $type = $open ? substr $value, 0, length(inside($value, length($open) - 1)) + 2 * length $open : (split ' ', $value)[0];
        $global{$g} = { size => (size($type))[0], align => $align, empty => $kind eq 'global' && $value =~ / zeroinitializer$/ ? 1 : 0 };
    }
    next if !$f || / \@llvm\.lifetime/ || / = alloca /;
    $used{"$f $_"}++ for /(%[\w.]+)/g;
    $used{$_}++      for /\@([\w.\$]+)/g;
}

# --- where variables stand: what is used most for its size comes first, at the lowest place where nothing stands that
# may be in use at the same time

my $near = 20;    # bytes for a use, up to which a variable goes first
my (%place, %there, %end);
my %aligned = (near => 16, far => 16);
my @want = map { { of => '', name => "\@$_", n => $global{$_}{size}, align => $global{$_}{align}, uses => $used{$_} // 0 } }
    grep { $global{$_}{empty} && $global{$_}{size} <= $small } keys %global;
for my $g (grep { !$reach{$_}{$_} } keys %shape) {
    push @want, map { { of => $g, name => $$_[0], n => $$_[1], align => $$_[2], uses => $used{"$g $$_[0]"} // 0 } } @{ $local{$g} // [] };
}
for my $v (sort { $$b{uses} * $$a{n} <=> $$a{uses} * $$b{n} || $$a{of} cmp $$b{of} || $$a{name} cmp $$b{name} } @want) {
    my $g      = $$v{of};
    my $region = $$v{n} <= $near * $$v{uses} ? 'near' : 'far';
    my $at     = 0;
    for (sort { $$a[0] <=> $$b[0] } @{ $there{$region} // [] }) {
        my ($from, $to, $other) = @$_;
        next if $to <= $at || !($g eq '' || $other eq '' || $g eq $other || $reach{$g}{$other} || $reach{$other}{$g});
        last if $from >= up($at, $$v{align}) + $$v{n};
        $at = $to;
    }
    $at = up($at, $$v{align});
    my $end = $at + $$v{n};
    push @{ $there{$region} }, [$at, $end, $g];
    $end{$region} = $end if $end > ($end{$region} // 0);
    $aligned{$region} = $$v{align} if $$v{align} > $aligned{$region};
    $place{$g}{ $$v{name} } = sprintf 'getelementptr inbounds (i8, ptr @frames.%s, i32 %d)', $region, $at;
}

# --- the module again

# A line without the arguments that are handed over, and what they are.
sub without {
    my ($text, $g, $bracket) = @_;
    my $list = inside($text, $bracket);
    my @item = items($list);
    my @handed = map { $item[ $$_[0] ] } @{ $handed{$g} };
    $item[ $$_[0] ] = undef for @{ $handed{$g} };
    substr $text, $bracket + 1, length $list, join ', ', grep { defined } @item;
    return ($text, @handed);
}

my $first = 'section ".rodata.first"';
my (@out, @copy);
for my $at (0 .. $#line) {
    local $_ = $line[$at];
    $f = $1  if /^define .*?\@([\w.\$]+)\(/;
    undef $f if $_ eq '}';
    s/ ?memory\([^)]*\)//g if /^attributes/;    # a callee reads what it is handed over, too
    if (/^define .*?\@([\w.\$]+)\(/ && $handed{$1}) {
        # The first block has the number that follows the arguments'.
        my ($g, $bracket) = ($1, $+[0] - 1);
        my $number = () = inside($_, $bracket) =~ / %\d+(?:,|$)/g;
        ($_) = without($_, $g, $bracket);
        $_ .= "\n$number:" if $line[ $at + 1 ] !~ /^[\w.]+:/;
    } elsif ($f && /\bcall [^@%]*?\@([\w.\$]+)\(/ && $handed{$1}) {
        my ($g, $bracket, @value) = ($1, $+[0] - 1);
        ($_, @value) = without($_, $g, $bracket);
        for my $to (@{ $handed{$g} }) {
            my ($value) = shift(@value) =~ /byval\(.*?\) align \d+ (.*)$/ or die "frames.pl: unknown form: $_\n";
            push @copy, sprintf '  call void @llvm.memcpy.p0.p0.i32(ptr align %d %s, ptr align %d %s, i32 %d, i1 false)',
                $$to[3], $place{$g}{ $$to[1] }, $$to[3], $value, (size($$to[2]))[0];
        }
    }
    my $own = $f && $place{$f};
    next if $own && (/^  %[\w.]+ = alloca / || (/ \@llvm\.lifetime/ && /ptr (?:nonnull )?(%[\w.]+)\)/ && defined $own->{$1}));
    if ($own) { s/(%[\w.]+)/$own->{$1} \/\/ $1/ge for @copy, $_ }
    next if /^(\@[\w.\$]+) = / && $place{''}{$1};
    s/(\@[\w.\$]+)/$place{''}{$1} \/\/ $1/ge for @copy, $_;
    # Frames that share a place hold one type after the other, so types say nothing about what may overlap.
    s/, !(tbaa|tbaa\.struct|alias\.scope|noalias) !\d+//g;
    # A copy that would take three or four loads and stores is a call.
    s/(?:tail )?call void \@llvm\.memcpy\.p0\.p0\.i32\((.*), i32 (\d+), i1 false\).*/$2 > 16 && $2 <= 32 ? "%copy$at = call ptr \@memcpy($1, i32 $2) nobuiltin" : $&/e;
    push @out, splice(@copy), $_;
}
my ($globals) = grep { $out[$_] =~ /^\@/ } 0 .. $#out;
sub empty { my ($region) = @_; return sprintf '@frames.%s = internal global [%d x i8] zeroinitializer, %s, align %d', $region, $end{$region} // 1, $first, $aligned{$region} }
# Then the constants, by the same measure; what is larger or changes comes last.
my %constant;
for my $at ($globals .. $#out) {
    my ($g) = $out[$at] =~ /^\@([\w.\$]+) = / or next;
    next if !$global{$g} || $out[$at] =~ / zeroinitializer, / && !($out[$at] =~ / constant /) || $global{$g}{size} > $small;
    my $align = $out[$at] =~ / \[\d+ x i8\] / ? 1 : $global{$g}{align};
    ($constant{$g} = $out[$at]) =~ s/, align \d+$/, $first, align $align/;
    $out[$at] = undef;
}
@out = map { $_ // () } @out;
splice @out, $globals, 0, empty('near'),
    (map { $constant{$_} } sort { ($used{$b} // 0) * $global{$a}{size} <=> ($used{$a} // 0) * $global{$b}{size} || $a cmp $b } keys %constant), empty('far');
print map { "$_\n" } @out;
