"""UnlearnCanvas: which images a model draws after unlearning one style or one object, and what they show."""
