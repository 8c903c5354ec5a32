"""Sound: files, the loudspeaker's side, and the microphone's: echo, voice activity, endpointing."""
