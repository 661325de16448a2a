"""Bodies of the routes tagged alerting, field by field as the contract has them."""
