"""Programs that stand in for Model Monitor's analyzer and Clarify's container.

``python <this folder> quality|clarify`` runs one in a Processing job's tree. ``quality`` needs
Python alone; ``clarify`` needs pandas with smclarify for bias, with shap for explanations.
"""
