"""What the kit's commands do: readiness report, download, set-up of Jupyter, recorded bands. No lesson needs to be read here."""
