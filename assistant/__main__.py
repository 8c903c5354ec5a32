from assistant.cli import program

program()
