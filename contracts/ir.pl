# SPDX-License-Identifier: Apache-2.0
# What frames.pl and texts.pl share: both read a module of LLVM's in its written form, a line at a time.
use strict;
use warnings;

# The lines of the input. Both scripts find names by their letters, so a name of any other form is refused.
sub lines {
    chomp(my @line = <STDIN>);
    for (grep { !/^[;!]|^source_filename/ } @line) {
        die "$0: a name has other characters than letters, digits, _ and .: $_\n" if s/c"[^"]*"//gr =~ /[\@%]"|\@[\w.]*-/;
    }
    return @line;
}

# The items of a list with commas, up to its end or the bracket that closes it.
sub items {
    my ($list) = @_;
    my ($depth, @item) = (0, '');
    for my $c (split //, $list) {
        $depth++ if $c =~ /[(\[{<]/;
        $depth-- if $c =~ /[)\]}>]/;
        last     if $depth < 0;
        if ($c eq ',' && !$depth) { push @item, '' }
        else                      { $item[-1] .= $c }
    }
    return grep { /\S/ } map { s/^\s+|\s+$//gr } @item;
}
1;
