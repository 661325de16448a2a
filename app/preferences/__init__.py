"""Instance settings that owners change in the product."""
