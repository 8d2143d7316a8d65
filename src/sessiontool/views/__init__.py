"""What the terminal shows of a result: a module for each kind of result, `view` the parts that they share."""
