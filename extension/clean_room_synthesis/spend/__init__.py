"""Everything that spends privacy. Only this package imports OpenDP, and only it computes from rows what leaves them."""
