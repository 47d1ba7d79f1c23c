"""What watches over Filage from outside: rules, boards, and their preview. The product imports none of it."""
