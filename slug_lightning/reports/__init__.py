"""Tables, figures and the HTML page of a run: pure functions of the files in a run directory."""
