"""Text between the language model and the voice, and between the ear and the decision what was heard."""
