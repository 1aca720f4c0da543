#!/usr/bin/env perl
# SPDX-License-Identifier: Apache-2.0
# frames.pl <IN.ll >OUT.ll: a contract's variables that stand in memory get fixed places instead of places on a stack.
#
# One call runs at a time, and hardly a function calls itself. So it is known before where each function's frame can
# stand: behind those of all that may have called it. Functions that never run within each other share their places, as
# on a stack, and no function has code to take and give back a frame or to reckon with where it stands. What may call
# itself (readers of nested JSON) keeps its frame on the stack, which has room for JSON that is nested as deeply as they
# take it; its overflow traps. A struct that is handed over by value is written by the caller to where the callee has it.
#
# An address that is below 8192 takes one byte less, so frames and small variables come first: the linker lays out
# .rodata* before all others, in the order in which it finds them.
use strict;
use warnings;

my $small = 1024;    # bytes of a variable that goes first
my @line  = <STDIN>;
chomp @line;

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

sub items {    # of a list with commas
    my ($list) = @_;
    my ($depth, @item) = (0, '');
    for my $c (split //, $list) {
        $depth++ if $c =~ /[(\[{<]/;
        $depth-- if $c =~ /[)\]}>]/;
        if ($c eq ',' && !$depth) { push @item, '' }
        else                      { $item[-1] .= $c }
    }
    return grep { /\S/ } map { s/^\s+|\s+$//gr } @item;
}

# --- how large a type is

my %type;
/^(%[\w.]+) = type (.*)$/ and $type{$1} = $2 for @line;

sub up { my ($n, $to) = @_; return int(($n + $to - 1) / $to) * $to }

sub size {    # size and alignment
    my ($t) = @_;
    return size($type{$t}) if $type{$t};
    return (4, 4)          if $t eq 'ptr';
    if ($t =~ /^i(\d+)$/) { my $n = int(($1 + 7) / 8); return ($n, $n) }
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
    return join ' ', (split ' ', $before)[-1], map { (split)[0] } items(inside($text, $bracket));
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
for (@line) {
    $f = $1    if /^define .*?\@([\w.\$]+)\(/;
    undef $f   if $_ eq '}';
    next       if /^(define|declare|attributes|!|;)/ || !/^(@| )/;
    my @name = grep { $shape{$_} } /\@([\w.\$]+)/g;
    if ($f && /\bcall ([^@%]*?)(?:\@([\w.\$]+)|%[\w.]+)\(/) {
        my ($before, $direct, $bracket) = ($1, $2, $+[0] - 1);
        die "frames.pl: a call that must be the last: $_\n" if /musttail/;
        if    (!$direct)        { $asks{$f}{ shape($before, $_, $bracket) } = 1 }
        elsif ($shape{$direct}) { $calls{$f}{$direct} = 1; shift @name }
    }
    $taken{$_} = 1 for @name;
    if (/^  (%[\w.]+) = alloca (.*), align (\d+)$/) { push @{ $local{$f} }, [$1, (size($2))[0], $3] }
    elsif (/ alloca /)                              { die "frames.pl: unknown form: $_\n" }
}
for my $from (keys %asks) {
    $asks{$from}{ $shape{$_} } and $calls{$from}{$_} = 1 for keys %taken;
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

# --- where frames stand

my (%callers, %frame, %place, %begin);
for my $from (keys %calls) { push @{ $callers{$_} }, $from for keys %{ $calls{$from} } }
for my $g (keys %shape) {
    my $end = 0;
    if (!$reach{$g}{$g}) {
        for (sort { $a->[1] <=> $b->[1] || $a->[0] cmp $b->[0] } @{ $local{$g} // [] }) {
            my ($name, $size, $align) = @$_;
            $place{$g}{$name} = up($end, $align);
            $end = $place{$g}{$name} + $size;
        }
    }
    $frame{$g} = up($end, 16);
}

sub begin {    # behind all callers; those that may call each other begin together
    my ($g) = @_;
    return $begin{$g} if defined $begin{$g};
    my @circle = grep { $reach{$g}{$_} && $reach{$_}{$g} } keys %{ $reach{$g} };
    my %own    = map { $_ => 1 } $g, @circle;
    my $at     = 0;
    for my $from (map { @{ $callers{$_} // [] } } keys %own) {
        next if $own{$from};
        my $end = begin($from) + $frame{$from};
        $at = $end if $end > $at;
    }
    return $begin{$g} = $at;
}
my $all = 16;
for (keys %shape) { my $end = begin($_) + $frame{$_}; $all = $end if $end > $all }

# --- the module again

sub place_of { my ($g, $name) = @_; return sprintf 'getelementptr inbounds (i8, ptr @frames, i32 %d)', begin($g) + $place{$g}{$name} }

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
                $$to[3], place_of($g, $$to[1]), $$to[3], $value, (size($$to[2]))[0];
        }
    }
    my $own = $f && $place{$f};
    next if $own && (/^  %[\w.]+ = alloca / || (/ \@llvm\.lifetime/ && /ptr (?:nonnull )?(%[\w.]+)\)/ && defined $own->{$1}));
    if ($own) { s/(%[\w.]+)/defined $own->{$1} ? place_of($f, $1) : $1/ge for @copy, $_ }
    # Frames that share a place hold one type after the other, so types say nothing about what may overlap.
    s/, !(tbaa|tbaa\.struct|alias\.scope|noalias) !\d+//g;
    # A copy that would take three or four loads and stores is a call.
    s/(?:tail )?call void \@llvm\.memcpy\.p0\.p0\.i32\((.*), i32 (\d+), i1 false\).*/$2 > 16 && $2 <= 32 ? "%copy$at = call ptr \@memcpy($1, i32 $2) nobuiltin" : $&/e;
    s/( zeroinitializer)(, align)/$1, $first$2/ if /^\@\S+ = internal (?:unnamed_addr )?global (.*?) zeroinitializer, align/ && (size($1))[0] <= $small;
    push @out, splice(@copy), $_;
}
my ($globals) = grep { $out[$_] =~ /^\@/ } 0 .. $#out;
splice @out, $globals, 0, "\@frames = internal global [$all x i8] zeroinitializer, $first, align 16";
print map { "$_\n" } @out;
