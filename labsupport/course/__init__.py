"""From a lesson's source to executed notebooks, and from there to the learner."""
