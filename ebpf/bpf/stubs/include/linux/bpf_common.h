/* Empty on purpose: names of instructions of the old kind, which no probe uses. */
